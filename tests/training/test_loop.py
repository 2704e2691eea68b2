from pathlib import Path

import pytest
import torch
from torch import nn

from posealign.errors import InvalidConfig
from training import loop


def net() -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(2, 2) for _ in range(12)))


def test_the_rate_goes_up_stays_and_comes_down() -> None:
    rates = [loop.learning_rate(step, 100, 10, 0.5) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:50] == [1.0] * 40
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rates[99] < 0.01


def test_a_rate_belongs_to_a_module_and_not_to_a_prefix() -> None:
    model = net()
    groups = loop.parameter_groups(model, {"1": 0.0}, 0.1, 0.01)
    assert not model[1].weight.requires_grad
    assert model[10].weight.requires_grad
    assert sum(len(group["params"]) for group in groups) == 22
    decays = {group["weight_decay"] for group in groups}
    assert decays == {0.0, 0.01}  # biases do not decay
    with pytest.raises(InvalidConfig, match="nobody"):
        loop.parameter_groups(net(), {"nobody": 0.1}, 0.1, 0.0)


def test_layer_decay_slows_the_early_blocks() -> None:
    model = nn.Module()
    model.encoder = nn.Module()
    model.encoder.blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    model.encoder.position = nn.Parameter(torch.zeros(2))
    rates = loop.layer_rates(model, 1.0, 0.5)
    assert rates["encoder.blocks.2"] == 1.0
    assert rates["encoder.blocks.0"] == 0.25
    assert rates["encoder.position"] == 0.125
    assert loop.layer_rates(model, 1.0, 1.0) == {}


def test_checkpoints_are_whole_and_bring_everything_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = net()
    optimizer = torch.optim.AdamW(loop.parameter_groups(model, {}, 0.1, 0.0))
    ema = loop.Ema(model, 0.9)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    ema.update(model, 0)
    loop.save_run(tmp_path / "last.pt", model, ema, optimizer, 1)
    assert not list(tmp_path.glob("*.part"))
    other = net()
    again = torch.optim.AdamW(loop.parameter_groups(other, {}, 0.05, 0.0))
    assert loop.resume(tmp_path / "last.pt", other, loop.Ema(other, 0.9), again) == 1
    assert torch.equal(other[3].weight, model[3].weight)
    assert again.param_groups[0]["base_lr"] == 0.05  # the config's, not the file's
    assert again.state_dict()["state"][0]["exp_avg"].abs().sum() > 0


def test_a_log_drops_what_a_resumed_run_will_write_again(tmp_path: Path) -> None:
    log = loop.CsvLog(tmp_path)
    for step in range(5):
        log.write(step, {"loss": 1.0 - step / 10})
    log.write(5, {"loss": 0.4, "oks": 0.7})
    resumed = loop.CsvLog(tmp_path, start=3)
    resumed.write(3, {"loss": 0.7})
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == "step,loss"
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "2", "3"]
