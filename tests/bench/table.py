"""How results are shown: one table of figures, one of marks."""

from measure import MIB

HEAD = f"{'':28}{'wall s':>8} {'min..max':>15} {'CPU s':>8} {'CPU s/GiB':>10} {'GiB/s':>7} {'RSS MiB':>8} "
HEAD += f"{'sink CPU s':>11}"


def spread(figure):
    return f"{figure['min']:.2f}..{figure['max']:.2f}"


def optional(client, key, width, digits):
    return f"{client[key]['median']:{width}.{digits}f}" if key in client else " " * width


def workload_lines(title, clients):
    lines = ["", title, HEAD]
    for label, client in clients.items():
        line = f"  {label:26}{client['wall_s']['median']:8.2f} {spread(client['wall_s']):>15}"
        line += f" {client['cpu_s']['median']:8.2f} {optional(client, 'cpu_s_per_gib', 10, 2)}"
        line += f" {optional(client, 'gib_per_s', 7, 2)} {client['rss_bytes']['max'] / MIB:8.0f}"
        line += f" {client['sink_cpu_s']['median']:11.2f}   {items_text(client)}"
        lines.append(line.rstrip())
    return lines


def standing_lines(title, figures):
    lines = ["", title, f"{'':44}{'median':>10} {'min..max':>20} {'runs':>5}"]
    for name, figure in figures.items():
        lines.append(f"  {name:42}{figure['median']:10.4g} {spread(figure):>20} {figure['runs']:5}")
    return lines


def mark_lines(marks):
    lines = ["", f"{'':10}{'mark':42}{'measured':>10} {'at most':>9}"]
    for mark in marks:
        verdict = "met" if mark.is_met else "NOT MET"
        lines.append(f"  {mark.workload:8}{mark.text:42}{mark.value:10.4g} {mark.bound:9.4g}  {verdict}")
    return lines


def markdown_transfer(clients):
    names = ["client", "wall s", "spread", "CPU s", "CPU s/GiB", "RSS MiB", ""]
    lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    for label, client in clients.items():
        figures = [f"{client['wall_s']['median']:.2f}", spread(client["wall_s"]), f"{client['cpu_s']['median']:.2f}"]
        figures += [f"{client['cpu_s_per_gib']['median']:.2f}", f"{client['rss_bytes']['max'] / MIB:.0f}"]
        lines.append(f"| {label} | {' | '.join(figures)} | {items_text(client)} |")
    return lines


def markdown_standing(figures):
    lines = ["| figure | median | spread | runs |", "| --- | --- | --- | --- |"]
    for name, figure in figures.items():
        lines.append(f"| {name} | {figure['median']:.4g} | {spread(figure)} | {figure['runs']} |")
    return lines


def markdown_lines(report):
    """All of it as Markdown, for docs/PERFORMANCE.md."""
    lines = ["\n\n".join(machine_lines(report["machine"]))]
    for key, found in report["workloads"].items():
        is_transfer = any("wall_s" in row for row in found.values())
        lines += ["", f"**{report['titles'][key]}**", ""]
        lines += markdown_transfer(found) if is_transfer else markdown_standing(found)
    lines += ["", "| workload | mark | measured | at most | |", "| --- | --- | --- | --- | --- |"]
    for mark in report["marks"]:
        verdict = "met" if mark["met"] else "**not met**"
        lines.append(f"| {mark['workload']} | {mark['text']} | {mark['value']:.3g} | {mark['bound']:.3g} | {verdict} |")
    return lines


def items_text(client):
    if "items_per_s" not in client:
        return ""
    rate, cost = client["items_per_s"]["median"], client["cpu_s_per_item"]["median"] * 1e3
    return f"{rate:,.0f} items/s, {cost:.2f} CPU ms each"


def machine_lines(facts):
    network = "a network namespace of its own" if facts["own_network"] else "the host's network"
    busy = facts["load_before"] > facts["cores"] / 4
    lines = [
        f"commit {facts['commit']}; {facts['cores']} cores, {facts['cpu']}, {' '.join(facts['flags'])}",
        f"kernel {facts['kernel']}; {facts['congestion_control']} in {network}; media on {facts['media_on']}, "
        f"page cache warm; load before: {facts['load_before']:.1f}; {facts['curl']}; node {facts['node']}",
    ]
    return lines + ["the machine is busy: trust CPU seconds more than wall times"] * busy
