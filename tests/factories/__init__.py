"""What tests build: small patch sets, studies, slides and files."""
