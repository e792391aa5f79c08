"""How results are shown: one table of figures, one of marks."""

from measure import MIB

HEAD = f"{'':28}{'wall s':>8} {'min..max':>15} {'CPU s':>8} {'CPU s/GiB':>10} {'GiB/s':>7} {'RSS MiB':>8} {'sink CPU s':>11}"


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
        line += f" {client['sink_cpu_s']['median']:11.2f}"
        if "items_per_s" in client:
            line += f"   {client['items_per_s']['median']:.0f} items/s, {client['cpu_s_per_item']['median'] * 1e3:.2f} CPU ms each"
        lines.append(line)
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


def machine_lines(facts):
    network = "a network namespace of its own" if facts["own_network"] else "the host's network"
    busy = facts["load_before"] > facts["cores"] / 4
    lines = [
        f"commit {facts['commit']}; {facts['cores']} cores, {facts['cpu']}, {' '.join(facts['flags'])}",
        f"kernel {facts['kernel']}; {facts['congestion_control']} in {network}; media on {facts['media_on']}, page cache warm; "
        f"load before: {facts['load_before']:.1f}",
    ]
    return lines + ["the machine is busy: trust CPU seconds more than wall times"] * busy
