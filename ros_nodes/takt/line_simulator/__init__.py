"""A serial line that does what real ones do: limited rate, delay, lost, flipped and repeated bytes, noise, cuts."""
