from pathgen.gan.loaded_generator import load_generator as load_generator

__version__: str
