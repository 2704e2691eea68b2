"""Teaching: pose, words and alignment. It uses posealign; nothing uses it."""
