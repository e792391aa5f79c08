"""What came of the flips: the table, the survivors with and without a reason, and the last line.

survivors.txt holds, for each flip that no test notices, its key on one line and the reason, indented, below.
A reason that begins with "same:" says that the flipped program does the same; no test could notice it.
"""

import json
from collections import Counter


def numbered(keys):
    """The second flip of one key gets " (2)", and so on."""
    seen, out = Counter(), []
    for key in keys:
        seen[key] += 1
        out.append(key if seen[key] == 1 else f"{key} ({seen[key]})")
    return out


def killed_in(results):
    """Key -> verdict and killer, of a run before this one."""
    if not results.exists():
        return {}
    return {row["key"]: (row["verdict"], row["by"]) for row in json.loads(results.read_text()) if row["verdict"] == "killed"}


def read_reasons(path):
    reasons, key = {}, None
    for line in path.read_text().splitlines() if path.exists() else []:
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            key = line.strip()
            reasons[key] = ""
        elif key is not None:
            reasons[key] = (reasons[key] + " " + line.strip()).strip()
    return reasons


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def tell(rows, survivors, percent_min, table, only):
    """Prints what a person must know, writes the whole table; returns the exit status. `only`: which files were
    asked about; None when not all of their flips were tried."""
    reasons = read_reasons(survivors)
    lived = [row for row in rows if row["verdict"] != "killed"]
    killed = len(rows) - len(lived)
    same = [row for row in lived if reasons.get(row["key"], "").startswith("same:")]
    unexplained = [row for row in lived if not reasons.get(row["key"])]
    with open(table, "w", encoding="utf-8") as out:
        for row in rows:
            by = f" by {row['by']}" if row["by"] else ""
            out.write(f"{row['file']}:{row['line']}: {row['verdict']}{by}\n    {row['key']}\n")
    for row in unexplained:
        print(f"{row['file']}:{row['line']}: {row['verdict']}, and no reason is given\n    {row['key']}")
    keys = {row["key"] for row in lived}
    for key in reasons:
        if only is not None and key not in keys and only in key.split(":")[0]:
            print(f"{survivors.name}: no longer a survivor, take it out: {key}")
    rate = percent(killed, len(rows))
    print(f"the table of all flips: {table}")
    print(
        f"{len(rows)} mutants, {killed} killed ({rate:.1f} %), {len(lived)} survived "
        f"({len(same)} do the same, {len(unexplained)} without a reason); "
        f"{percent(killed, len(rows) - len(same)):.1f} % of those that could be noticed"
    )
    return 0 if rate >= percent_min and not unexplained else 1
