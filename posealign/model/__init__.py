"""The model: a picture encoder, a text encoder and the decoder that joins them. Needs torch."""
