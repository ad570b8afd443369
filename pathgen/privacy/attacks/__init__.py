"""Membership-inference attacks: each file exports ``ATTACK``; `pathgen.privacy.attack_family` lists them."""
