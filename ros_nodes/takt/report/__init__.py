"""What a run was, afterwards: a page of plots that needs no network, and one timeline for Perfetto."""
