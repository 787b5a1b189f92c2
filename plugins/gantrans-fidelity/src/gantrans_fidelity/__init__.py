"""KID and FID: how far translations are from real images, as an Inception network sees them."""
