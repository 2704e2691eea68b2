"""Where samples come from: COCO JSON, LSP, MINI-RGBD folders, JSONL."""
