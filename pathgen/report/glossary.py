"""What the page explains to a reader who knows none of its words. docs/glossary.md has the project's own."""

from collections.abc import Mapping

#: Word to its meaning, in the order in which a reader meets them.
WORDS: Mapping[str, str] = {
    "patch": "a small square picture cut out of a slide, a scanned piece of tissue",
    "original, synthetic": "cut out of a slide, or drawn by a generator",
    "mixed": "trained on original and synthetic patches together",
    "generator": "a network that has learnt from original patches to draw such patches",
    "dcgan, stylegan2": "kinds of generator, one for each class; dcgan, the smaller one, is the paper’s",
    "cdcgan, cstylegan2": "the same, but one trained for both classes together and told which to draw",
    "dpdcgan": "a dcgan trained with noise, so that something can be proven of its patches",
    "dcgan.2": "another training of dcgan, to see what chance does",
    "discriminator": "the network trained beside a generator to tell its patches from original ones",
    "classifier": "a network that says whether a patch shows tumour",
    "cnn6": "the paper’s classifier, of six layers; cnn6-tuned is the same by a better recipe",
    "seed": "the number from which chance is drawn; each training of a kind has another",
    "kimg": "a thousand pictures shown to the discriminator: how long a generator has been trained",
    "phantom": "slides drawn by a program, no tissue, to try the software on",
    "member, non-member": "a patch the generator learnt from, or one of the same slides that it never saw",
    "floor": "what a measure reads between two sets of original patches; none can be expected to do better",
    "interval": "where the true value may well lie; wide where there are few slides or trainings",
}

#: Study, by its place on the page, to what has to be known before its sentences.
STUDY_NOTES: Mapping[str, str] = {
    "scaling": "Classifiers were trained on more and more patches. The error, the share of original test "
    "patches that are called wrongly, is measured at each size, and a smooth curve is fitted through these "
    "points. Said below: how large the error is at the largest sizes (measured), how many synthetic patches "
    "do as well as a number of original ones (read off the fitted curves, so that the same size may have a "
    "slightly different error there), and whether the error still falls as patches are added.",
}
