# PoseAlign with ViTPose-S's backbone, trained by mmengine's Runner on COCO with mmpose's pipelines.
# Run it with mmpose's own tools/train.py, as docs/how-to/mmpose.md says.
# Data, runtime and evaluator are ViTPose-S's own, unmodified; model and optimiser are ours.
# ruff: noqa: C408 - mmpose's configurations are written with dict()
_base_ = [
    "mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_ViTPose-small_8xb64-210e_coco-256x192.py"
]
custom_imports = dict(imports=["posealign.interop.mm.register"], allow_failed_imports=False)

model = dict(
    _delete_=True,
    type="PoseAlign",
    pose=dict(encoder=dict(name="vit", options=dict(size="S")), width=192, height=256),
    language="default",  # the bundle whose text encoder reads the instructions
    skeleton="coco17",
    codec=_base_.codec,
    test_cfg=dict(flip_test=True),
)

# Layer-wise decay by name: mmpose's constructor knows mmpretrain's names only.
optim_wrapper = dict(
    _delete_=True,
    optimizer=dict(type="AdamW", lr=5e-4, betas=(0.9, 0.999), weight_decay=0.1),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={
            "vit.patch_embed": dict(lr_mult=0.8**13),
            "vit.pos_embed": dict(lr_mult=0.8**13, decay_mult=0.0),
            **{f"vit.blocks.{index}.": dict(lr_mult=0.8 ** (12 - index)) for index in range(12)},
        },
    ),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)

custom_hooks = [
    dict(type="InstructionSampling", languages=("en", "zh"), refusals=0.08, seed=0),
    dict(
        type="EMAHook",
        ema_type="ExpMomentumEMA",
        momentum=0.0005,
        update_buffers=True,
        priority=49,
    ),
]
val_evaluator = [
    _base_.val_evaluator,
    dict(type="PoseAlignMetric", ann_file=_base_.val_evaluator["ann_file"]),
]
test_evaluator = val_evaluator
find_unused_parameters = True  # state, depth and finder have no labels here
