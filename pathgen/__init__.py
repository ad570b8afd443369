"""Can synthetic histopathology patches stand in for patients' patches?"""

__version__ = "0.1.0"
