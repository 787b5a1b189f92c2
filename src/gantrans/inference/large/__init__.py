"""Large images exactly: a network run tile by tile, with the result of the whole image at once.

Tiles alone would change the result: an instance norm takes its statistics over the whole picture.
So the network is cut at its normalisations. The stretch in front of each is run tile by tile, every
tile with as much of its surroundings as the convolutions see, and the statistics are gathered over
all tiles; then the next stretch goes on with them. What is dear to compute again is kept between
the stretches, in memory or in a file; what is cheap, such as the first convolution at full
resolution, is computed again.

network.py cuts, operations.py and its neighbours know what each layer sees, plan.py decides what is
kept, tile.py computes one tile, translate.py a whole picture, choice.py says when.
"""
