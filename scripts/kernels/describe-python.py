"""Prints, as JSON, what the kernel manifest says about the Python that runs this."""

import json
import platform
import sys
from importlib import metadata

from ipykernel.kernelspec import RESOURCES, get_kernel_dict

names = ["ipykernel", "numpy", "pandas", "matplotlib", "scipy", "ipywidgets", "seaborn", "scikit-learn", "statsmodels", "polars"]
packages = []
for name in names:
    try:
        packages.append({"name": name, "version": metadata.version(name)})
    except metadata.PackageNotFoundError:
        pass
json.dump(
    {
        "spec": get_kernel_dict(),
        "resources": RESOURCES,
        "version": platform.python_version(),
        "basePrefix": sys.base_prefix,
        "packages": packages,
    },
    sys.stdout,
)
