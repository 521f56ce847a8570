"""The long proofs and the measurements of the link, each with rigs of its own."""
