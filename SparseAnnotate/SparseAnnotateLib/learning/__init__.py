"""Everything that learns with torch: networks, losses, training, pretrained weights."""
