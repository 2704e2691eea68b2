"""The service: HTTP, cameras, feedback. It uses posealign and never imports torch."""
