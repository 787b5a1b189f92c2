"""UVCGAN (Torbunov et al. 2023, "UVCGAN: UNet Vision Transformer cycle-consistent GAN for unpaired
image-to-image translation", WACV) for gantrans: its generator and its gradient penalty.

    unet.py       the U-Net: encoder, decoder, skips
    vit.py        the vision transformer at its bottom
    vit_unet.py   both together: the generator `vit_unet`
    penalty.py    the loss `uvcgan_penalty`
"""
