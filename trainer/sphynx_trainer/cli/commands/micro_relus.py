"""Count the ReLUs of a network in the usual micro-search space, where cells have them inside."""

import argparse

from ...networks.sphynx.genotype import find_genotype
from ...search.micro_space import micro_search_relus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("--channels", type=int, default=5, metavar="C")
    parser.add_argument("--depth", type=int, default=5, metavar="D")
    parser.add_argument("--genotype", default="darts", help="or pc-darts, or a file")
    parser.add_argument("--image-size", type=int, default=32)


def run(options: argparse.Namespace) -> None:
    """Prints both counts, and that of Sphynx cells beside them."""
    genotype = find_genotype(options.genotype)
    shape = (options.channels, options.depth, options.image_size)
    alone, shared = (
        micro_search_relus(genotype, *shape, shared=shared) for shared in (False, True)
    )
    sphynx = options.image_size**2 * options.channels * options.depth
    print(f"{genotype.name} C={options.channels} D={options.depth}: {alone} ReLUs")
    print(f"with ReLUs shared by the convolutions that read a node: {shared}")
    print(f"a Sphynx network of these channels and cells: {sphynx}")
