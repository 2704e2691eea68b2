"""PoseModel → four ONNX files and a bundle.

Normalisation, decoding and calibration are inside the graphs; B, L and K are free dimensions.
"""

from __future__ import annotations

import copy
import shutil
import warnings
from pathlib import Path

import onnx
import torch
from onnx import helper

from posealign import bundle as bundles
from posealign.bundle import Bundle, Metadata
from posealign.errors import InvalidInput
from posealign.export.attention import TRANSLATIONS
from posealign.export.for_cpu import for_cpu
from posealign.export.graphs import FREE, SPECS, GraphModule, example, spec_of
from posealign.export.phases import in_phases
from posealign.export.precision import store_fp16
from posealign.export.text import OPSET, text_graph
from posealign.model.checkpoint import metadata_of, round_to_half, save_weights
from posealign.model.pose_model import PoseModel
from posealign.model.text import TextModel


def export_bundle(
    model: PoseModel,
    folder: Path,
    metadata: Metadata,
    tokenizer: Path,
    precision: str = "fp32",
    weights: bool = True,
    opset: int = OPSET,
    gpu: bool = False,
) -> Bundle:
    """Write a whole bundle: graphs, tokenizer, weights to go on training from, bundle.json.

    `gpu` leaves the image graph as it is in torch; otherwise it is shaped for a CPU.
    """
    if precision not in ("fp32", "fp16-weights"):
        raise InvalidInput(f"precision is {precision!r}; expected fp32 or fp16-weights")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").unlink(missing_ok=True)  # never a valid bundle half written
    metadata = metadata_of(model, metadata).model_copy(
        update={"precision": precision, "opset": opset}
    )
    half = precision == "fp16-weights"
    if half:  # torch and onnxruntime must go on from the same numbers
        model = copy.deepcopy(model)
        round_to_half(model)
    export_graphs(model, folder, metadata, opset, gpu)
    if half:
        for graph in SPECS:
            store_fp16(folder / f"{graph}.onnx", folder / f"{graph}.onnx")
    if tokenizer.resolve() != (folder / "tokenizer.json").resolve():
        shutil.copyfile(tokenizer, folder / "tokenizer.json")
    (folder / "weights.safetensors").unlink(missing_ok=True)
    if weights:
        save_weights(model, folder / "weights.safetensors", half)
    return bundles.write(folder, metadata)


def export_graphs(
    model: PoseModel, folder: Path, metadata: Metadata, opset: int = OPSET, gpu: bool = False
) -> dict[str, Path]:
    """The four ONNX files, each checked by onnx and described by its own metadata."""
    was_training = model.training
    model.eval()
    paths = {graph: folder / f"{graph}.onnx" for graph in SPECS}
    # Sums of weights are no numbers of half the size: where size counts, the neck stays.
    image = model if gpu else for_cpu(model, neck=metadata.precision != "fp16-weights")
    for graph, path in paths.items():
        proto = to_onnx(image if graph == "image" else model, graph, opset)
        notes = {
            "bundle": metadata.name,
            "version": metadata.version,
            "graph": graph,
            "graph_version": str(bundles.GRAPH_VERSION),
            "input": f"{metadata.input.width}x{metadata.input.height}",
            "vocabulary": metadata.vocabulary.digest,
            "licence": metadata.licence,
        }
        helper.set_model_props(proto, notes)
        proto.doc_string = f"PoseAlign {metadata.name}: {graph}"
        onnx.checker.check_model(proto, full_check=True)
        onnx.save(proto, path)
    model.train(was_training)
    return paths


def to_onnx(model: PoseModel, graph: str, opset: int = OPSET) -> onnx.ModelProto:
    if graph == "text" and isinstance(model.words, TextModel) and opset == OPSET:
        return text_graph(model.words)
    spec = spec_of(model, graph)
    inputs = example(model, graph)
    free = {name: torch.export.Dim(name, min=1, max=4096) for name in FREE}
    shapes = tuple(
        {axis: free[name] for axis, name in enumerate(axes) if name in free}
        for axes in spec.inputs.values()
    )
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter warns about its own internals; what matters is checked by parity.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            GraphModule(model, graph).eval(),
            tuple(inputs[name] for name in spec.inputs),
            dynamo=True,
            opset_version=opset,
            input_names=list(spec.inputs),
            output_names=list(spec.outputs),
            dynamic_shapes=(shapes,),
            custom_translation_table=TRANSLATIONS if graph == "image" else None,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise InvalidInput(f"torch could not export the graph {graph!r}")
    return in_phases(without_traces(program.model_proto))


def without_traces(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The exporter writes source paths and stack traces of the exporting machine into each node."""
    graph = proto.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.metadata_props[:]
    return proto
