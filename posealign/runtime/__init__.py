"""Running a bundle's graphs: onnxruntime and its providers, or torch where it is installed."""
