# The embedded bundle learns on with COCO under mmengine's Runner: its own weights, its own input.
# ruff: noqa: C408 - mmpose's configurations are written with dict()
_base_ = ["./posealign_vitpose-s_coco-256x192.py"]

codec = dict(type="UDPHeatmap", input_size=(192, 192), heatmap_size=(48, 48), sigma=2)
model = dict(
    _delete_=True,
    type="PoseAlign",
    bundle="default",
    skeleton="coco17",
    codec=codec,
    test_cfg=dict(flip_test=True),
)
optim_wrapper = dict(
    _delete_=True,
    optimizer=dict(type="AdamW", lr=1e-4, betas=(0.9, 0.99), weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)

# mmpose writes the input size into its pipelines, so they are said again.
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="RandomFlip", direction="horizontal"),
    dict(type="RandomHalfBody"),
    dict(type="RandomBBoxTransform"),
    dict(type="TopdownAffine", input_size=codec["input_size"], use_udp=True),
    dict(type="GenerateTarget", encoder=codec),
    dict(type="PackPoseInputs"),
]
val_pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="TopdownAffine", input_size=codec["input_size"], use_udp=True),
    dict(type="PackPoseInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
