"""A folder of networks for lbic: manifest.json and the files that it names."""
