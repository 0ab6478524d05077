#!/usr/bin/env python3
"""Checks the includes of src/ against cmake/layers.txt.

Refused are: an include of a folder that the table does not allow, a folder that the table does not
know, a quoted include that does not exist from src/ or include/, and a circle of files. A circle of
folders cannot pass either, because the table may only name folders that stand above (earlier) in
it.

    tools/layers.py ROOT [--stamp FILE]
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
SUFFIXES = {".h", ".cc"}
# The public API stands on nothing but itself. It belongs to the client layer, a folder of it to the
# layer of that name.
PUBLIC = "oncemq"


def read_table(path):
    """Returns {folder: set of allowed folders} and the errors of the table itself."""
    table, errors = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        folder, _, allowed = line.partition(":")
        allowed = set(allowed.split())
        for name in sorted(allowed - table.keys()):
            errors.append(f"{path}:{number}: '{folder}' may not stand on '{name}', "
                          "which is not above it in the table")
        table[folder] = allowed | {folder}
    return table, errors


def layer_of(name):
    parts = name.split("/")
    if parts[0] != PUBLIC:
        return parts[0]
    return parts[1] if len(parts) > 2 else "client"


def read_tree(root):
    """Returns {path as included: [(line, included path)]} of src/ and include/."""
    files = {}
    for top in (root / "src", root / "include"):
        for path in sorted(top.rglob("*")):
            if path.suffix in SUFFIXES:
                text = path.read_text(errors="replace")
                files[path.relative_to(top).as_posix()] = [
                    (text.count("\n", 0, m.start()) + 1, m.group(1))
                    for m in INCLUDE.finditer(text)]
    return files


def check_edges(files, table):
    for name, includes in files.items():
        where = ("include/" if name.startswith(PUBLIC + "/") else "src/") + name
        layer = layer_of(name)
        if layer not in table:
            yield f"{where}: folder '{layer}' is not in the layer table"
            continue
        for line, target in includes:
            if target not in files:
                yield f"{where}:{line}: \"{target}\" does not exist (includes start at src/)"
            elif layer_of(target) not in table[layer]:
                yield (f"{where}:{line}: '{layer}' may not include '{layer_of(target)}' "
                       f"(\"{target}\")")
            elif name.startswith(PUBLIC + "/") and not target.startswith(PUBLIC + "/"):
                yield f"{where}:{line}: the public API may only include itself (\"{target}\")"


def find_circle(files):
    """Returns a list of files that include each other in a circle, or None."""
    done, path, on_path = set(), [], set()

    def visit(name):
        path.append(name)
        on_path.add(name)
        for _, target in files[name]:
            if target in on_path:
                return path[path.index(target):] + [target]
            if target in files and target not in done:
                circle = visit(target)
                if circle:
                    return circle
        on_path.remove(path.pop())
        done.add(name)
        return None

    for name in files:
        if name not in done:
            circle = visit(name)
            if circle:
                return circle
    return None


def check(root):
    root = pathlib.Path(root)
    table, errors = read_table(root / "cmake" / "layers.txt")
    files = read_tree(root)
    errors += check_edges(files, table)
    circle = find_circle(files)
    if circle:
        errors.append("include circle: " + " -> ".join(circle))
    return errors


def main(argv):
    if len(argv) not in (2, 4) or (len(argv) == 4 and argv[2] != "--stamp"):
        print(__doc__, file=sys.stderr)
        return 2
    errors = check(argv[1])
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        return 1
    if len(argv) == 4:
        pathlib.Path(argv[3]).write_text("")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
