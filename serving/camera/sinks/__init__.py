"""Where results go. A sink never makes a camera wait."""
