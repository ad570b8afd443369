from pathgen.gan.sampling import load_generator as load_generator

__version__: str
