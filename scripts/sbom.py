"""The bill of materials, from `cargo metadata` and the checksums of Cargo.lock. The library makes
the document and checks it against the schema of CycloneDX 1.6."""

import json
import re
import subprocess
import sys
import tomllib

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

PROGRAM = "spiderq"
TARGET = "x86_64-unknown-linux-gnu"


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={TARGET}"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def checksums():
    """By name and version; crates of this workspace have none."""
    with open("Cargo.lock", "rb") as file:
        packages = tomllib.load(file)["package"]
    return {(one["name"], one["version"]): one.get("checksum") for one in packages}


def licences(expression):
    # The old way to write a choice.
    expression = re.sub(r"\s*/\s*", " OR ", expression or "")
    return [LicenseFactory().make_from_string(expression)] if expression else []


def component(package, checksum):
    name, version = package["name"], package["version"]
    is_program = name == PROGRAM
    return Component(
        type=ComponentType.APPLICATION if is_program else ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        purl=PackageURL("cargo", name=name, version=version),
        licenses=licences(package["license"]),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
    )


def linked(node):
    """Ids of what a crate links: not what only builds or tests it."""
    for dependency in node["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            yield dependency["pkg"]


def main():
    crates = metadata()
    packages = {package["id"]: package for package in crates["packages"]}
    nodes = {node["id"]: node for node in crates["resolve"]["nodes"]}
    sums = checksums()
    program = next(one["id"] for one in crates["packages"] if one["name"] == PROGRAM)
    reached, left = {}, [program]
    while left:
        crate = left.pop()
        if crate not in reached:
            package = packages[crate]
            checksum = sums.get((package["name"], package["version"]))
            reached[crate] = component(package, checksum)
            left.extend(linked(nodes[crate]))
    bom = Bom()
    bom.metadata.component = reached[program]
    for crate, part in reached.items():
        if crate != program:
            bom.components.add(part)
    for crate, part in reached.items():
        bom.register_dependency(part, [reached[other] for other in linked(nodes[crate])])
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        sys.exit(f"scripts/sbom: not valid: {error}")
    print(text)


if __name__ == "__main__":
    main()
