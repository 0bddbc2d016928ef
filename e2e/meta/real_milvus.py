"""Shows that a real Milvus 2.2.16 works on metadata that meta-migration has migrated, and that the way back holds.

Started by `cargo xtask meta-e2e` in a network namespace of its own, so that Milvus' fixed ports disturb nobody.
Takes the metadata and the storage that a real Milvus 2.1.0 left, migrates, starts Milvus 2.2.16 on both, compares
what it says with what the 2.1.0 had, searches every stored vector, stops it, rolls back, and compares etcd byte by
byte. Writes what it saw as Markdown; ends with 1 at the first thing that is not as it has to be.
"""

import argparse
import base64
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import milvus_wheel

ENDPOINT = "127.0.0.1:2379"
ROOT = "by-dev/meta/"
# What the 2.1.0 had when it was stopped: flushed rows (deleted ones are counted until they are compacted), indexes by name with their
# type, aliases, partitions, what was loaded.
EXPECTED = {
    "c01_all_types": (6500, {"vec_idx": "IVF_FLAT", "s_idx": "Trie", "i32_idx": "STL_SORT"}, ["alias_a"], ["_default", "p1", "p2"], "collection"),
    "c02_binary": (4000, {"_default_idx_101": "BIN_IVF_FLAT"}, [], ["_default"], None),
    "c03_hnsw": (4500, {"_default_idx_101": "HNSW"}, [], ["_default", "px"], "px"),
    "c04_noindex": (2000, {}, [], ["_default"], None),
    "c05_index_dropped": (2000, {}, [], ["_default"], None),
    "c06_empty": (0, {"pq": "IVF_PQ"}, [], ["_default"], None),
    "c08_small": (100, {}, [], ["_default"], None),
    "c09_shards": (16100, {"annoy": "ANNOY"}, [], ["_default"], "collection"),
    "c10_recreated": (1500, {"_default_idx_101": "IVF_FLAT"}, ["alias_b"], ["_default"], None),
    "c11_reindexed": (2500, {"_default_idx_101": "HNSW"}, [], ["_default"], "collection"),
}

LINES = []


def say(line="", hide=""):
    """Prints a line and keeps it for the report, without the name of a temporary folder."""
    print(line, flush=True)
    LINES.append(line.replace(hide, "…") if hide else line)


def check(truth, what):
    if not truth:
        say(f"**NOT SO: {what}**")
        raise SystemExit(1)


def wait(what, seconds, probe):
    """Asks twice a second until `probe` gives something true; says how long it took."""
    begun = time.time()
    while time.time() - begun < seconds:
        found = probe()
        if found:
            return found, time.time() - begun
        time.sleep(0.5)
    check(False, f"{what} within {seconds} s")


def post(path, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"http://{ENDPOINT}/v3/{path}", data)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def b64(data):
    return base64.b64encode(data).decode()


def dump():
    """Every key of etcd that is not leased."""
    kvs = post("kv/range", {"key": b64(b"\0"), "range_end": b64(b"\0")}).get("kvs", [])
    return {base64.b64decode(kv["key"]): base64.b64decode(kv.get("value", "")) for kv in kvs if not int(kv.get("lease", 0))}


def sessions():
    kvs = post("kv/range", {"key": b64(b"by-dev/meta/session/"), "range_end": b64(b"by-dev/meta/session0")}).get("kvs", [])
    return [base64.b64decode(kv["key"]) for kv in kvs if int(kv.get("lease", 0))]


def below_meta(state, counter=False):
    meta = {k: v for k, v in state.items() if k.startswith(ROOT.encode())}
    if not counter:
        meta.pop(f"{ROOT}session/id".encode(), None)
    return meta


class Run:
    def __init__(self, args):
        self.args = args
        self.work = pathlib.Path(args.work)
        self.processes = []

    def start(self, name, command, **more):
        log = open(self.work / f"{name}.log", "wb")
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **more)
        self.processes.append(process)
        return process

    def stop_all(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
                process.wait()

    def etcd(self):
        url, peer = f"http://{ENDPOINT}", "http://127.0.0.1:2380"
        self.start("etcd", [
            self.args.etcd, f"--data-dir={self.work}/etcd", f"--listen-client-urls={url}", f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
            "--log-level=warn", "--unsafe-no-fsync",
        ])

        def ready():
            try:
                return post("maintenance/status", {})
            except OSError:
                return None

        wait("etcd serves", 30, ready)
        for key, value, _ in json.load(open(self.args.metadata)):
            post("kv/put", {"key": b64(key.encode()), "value": b64(bytes.fromhex(value))})

    def tool(self, *verb):
        command = [
            self.args.tool, *verb, "-o", "json", "-q", "--endpoints", ENDPOINT, "--backup", str(self.work / "migration.bak"),
            "--source-version", "2.1.0", "--target-version", "2.2.16",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        report = json.loads(done.stdout.strip().splitlines()[-1])
        say(f"* `meta-migration {' '.join(verb)}` → exit code {done.returncode}, {report['outcome']}: {report['message']}", hide=str(self.work))
        return report

    def unpack(self):
        template = milvus_wheel.unpack(self.args.wheel, self.work / "bin")
        with tarfile.open(self.args.storage) as storage:
            storage.extractall(self.work, filter="data")
        return template

    def configure(self, template):
        data = self.work / "2.1.0"
        values = {
            "local_storage_dir": f"{data}/data/files/", "rocketmq_data_dir": f"{data}/rdb_data",
            "etcd_data_dir": f"{self.work}/unused", "etcd_log_path": "stdout",
        }
        text = milvus_wheel.fill(template, values)
        text = re.sub(r"embed: true.*", "embed: false", text)
        text = re.sub(r"\n(\s*)storageType:.*", r"\n\1storageType: local", text)
        configs = self.work / "configs"
        configs.mkdir()
        (configs / "milvus.yaml").write_text(text)
        # 2.1 names its files relative to the storage path, 2.2 with local storage relative to where it runs. With
        # S3 or MinIO both agree.
        run = self.work / "run"
        run.mkdir()
        (run / "files").symlink_to(data / "data" / "files")
        return configs, run

    def milvus(self, configs, run):
        """Starts the server and waits until what was loaded answers; starts it again, as Kubernetes does, if it dies.

        2.2.16 dies now and then in its first seconds when a channel that 2.1 left has no checkpoint yet
        (`rmqID.Equal` on an empty id); a second start finds one. More than two deaths are a failure.
        """
        binaries = self.work / "bin"
        env = dict(os.environ, MILVUSCONF=str(configs), METRICS_PORT="9091", DEPLOY_MODE="STANDALONE", LD_LIBRARY_PATH=str(binaries))
        for attempt in range(3):
            log = f"milvus-{attempt}"
            process = self.start(log, [str(binaries / "milvus"), "run", "standalone"], cwd=run, env=env)
            begun = time.time()
            while process.poll() is None and time.time() - begun < 180:
                if healthy() and searchable():
                    say(f"* Milvus 2.2.16 healthy, and what was loaded answers, {time.time() - begun:.0f} s after its start")
                    return process
                time.sleep(0.5)
            check(process.poll() is not None, "what was loaded answers within 180 s")
            lines = (self.work / f"{log}.log").read_text(errors="replace").splitlines()
            why = next((line for line in lines if line.startswith(("panic:", "fatal error:", "Fatal"))), "no reason given")
            say(f"* Milvus 2.2.16 died while starting ({why}) and was started again, as Kubernetes would")
        check(False, f"Milvus stays up (logs in {self.work})")


def healthy():
    try:
        return urllib.request.urlopen("http://127.0.0.1:9091/healthz", timeout=2).status == 200
    except OSError:
        return False


def columns(folder, collection_id, field_id):
    """The values of a field as the 2.1.0 stored them: {(segment): [values]}; a binlog holds one Parquet file."""
    import pyarrow.parquet

    found = {}
    for segment in sorted((folder / "insert_log" / str(collection_id)).glob("*/*")):
        values = []
        for log in sorted((segment / str(field_id)).glob("*"), key=lambda path: int(path.name)):
            data = log.read_bytes()
            parquet = data[data.index(b"PAR1"): data.rindex(b"PAR1") + 4]
            values += pyarrow.parquet.read_table(io.BytesIO(parquet)).column(0).to_pylist()
        found[segment.name] = values
    return found


def stored_vectors(folder, description):
    """{key: vector} of everything in the binlogs of a collection."""
    import numpy

    primary = next(field for field in description["fields"] if field.get("is_primary"))
    vector = next(field for field in description["fields"] if int(field["type"]) in (100, 101))
    keys = columns(folder, description["collection_id"], primary["field_id"])
    vectors = columns(folder, description["collection_id"], vector["field_id"])
    pairs = {}
    for segment, names in keys.items():
        for key, raw in zip(names, vectors[segment], strict=True):
            pairs[key] = numpy.frombuffer(raw, dtype=numpy.float32).tolist()
    return primary["name"], vector["name"], pairs


def compare_with_2_1_0():
    from pymilvus import Collection, connections, utility

    names = sorted(utility.list_collections())
    check(names == sorted(EXPECTED), f"the collections are {sorted(EXPECTED)}, not {names}")
    handler = connections._fetch_handler("default")
    say()
    say("| collection | flushed rows | partitions | indexes | aliases | loaded |")
    say("|---|---|---|---|---|---|")
    for name, (rows, indexes, aliases, partitions, loaded) in EXPECTED.items():
        collection = Collection(name)
        check(collection.num_entities == rows, f"{name} has {rows} rows, not {collection.num_entities}")
        seen = {index.index_name: index.params["index_type"] for index in collection.indexes}
        check(seen == indexes, f"{name} has the indexes {indexes}, not {seen}")
        found = sorted(handler.describe_collection(name)["aliases"])
        check(found == aliases, f"{name} has the aliases {aliases}, not {found}")
        parts = sorted(part.name for part in collection.partitions)
        check(parts == partitions, f"{name} has the partitions {partitions}, not {parts}")

        def state(part=None):
            return str(utility.load_state(name, [part] if part else None)).rsplit(" ", 1)[-1].strip(">")

        if loaded is None:
            check(state() == "NotLoad", f"{name} is not loaded, but {state()}")
            took = ""
        else:
            part = None if loaded == "collection" else loaded
            _, seconds = wait(f"{name} is loaded", 120, lambda: state(part) == "Loaded")
            took = f" after {seconds:.0f} s more"
        cells = [", ".join(parts), ", ".join(f"{i} ({t})" for i, t in indexes.items()), ", ".join(aliases), (loaded or "no") + took]
        say(f"| {name} | {collection.num_entities} | " + " | ".join(cell or "–" for cell in cells) + " |")
    say()
    users = sorted(utility.list_usernames())
    check("alice" in users, f"alice is among the users {users}")
    check(Collection("alias_a").describe()["collection_name"] == "c01_all_types", "alias_a stands for c01_all_types")
    check(Collection("alias_b").describe()["collection_name"] == "c10_recreated", "alias_b stands for c10_recreated")
    say(f"* users {', '.join(users)}; alias_a → c01_all_types, alias_b → c10_recreated")


SEARCH = {"IVF_FLAT": {"nprobe": 64}, "HNSW": {"ef": 2048}, "ANNOY": {"search_k": 10000}}


def search_all(folder, name, part=None):
    from pymilvus import Collection, connections

    collection = Collection(name)
    description = connections._fetch_handler("default").describe_collection(name)
    primary, vector, stored = stored_vectors(folder, description)
    index = next(index for index in collection.indexes if index.field_name == vector)
    parts = [part] if part else None
    live = {row[primary] for row in ask(collection, primary, sorted(stored), parts)}
    wanted = sorted(key for key in stored if key in live)
    check(wanted, f"{name} has stored vectors")
    metric = index.params["metric_type"]
    found = 0
    for at in range(0, len(wanted), 500):
        keys = wanted[at: at + 500]
        params = {"metric_type": metric, "params": SEARCH[index.params["index_type"]]}
        answers = collection.search([stored[key] for key in keys], vector, params, limit=10, partition_names=parts, consistency_level="Strong")
        best = keys if metric == "L2" else largest_product(stored, wanted, keys)
        found += sum(key == hits.ids[0] for key, hits in zip(best, answers, strict=True))
    index_type = index.params["index_type"]
    what = "their own key" if metric == "L2" else "the key with the largest inner product, computed by hand"
    say(f"* {name}{'/' + part if part else ''} ({index_type}, {metric}): {len(stored)} vectors in the binlogs, {len(wanted)} of them live in what is loaded, {found} find {what}")
    return len(wanted), found


def largest_product(stored, wanted, keys):
    """With the inner product another, longer vector may be nearer than the vector itself: which one it is."""
    import numpy

    matrix = numpy.array([stored[key] for key in wanted], dtype=numpy.float32)
    queries = numpy.array([stored[key] for key in keys], dtype=numpy.float32)
    return [wanted[at] for at in (queries @ matrix.T).argmax(axis=1)]


def ask(collection, primary, keys, parts):
    rows = []
    for at in range(0, len(keys), 1000):
        rows += collection.query(f"{primary} in {keys[at: at + 1000]}", partition_names=parts, consistency_level="Strong")
    return rows


def main():
    parser = argparse.ArgumentParser()
    for name in ("etcd", "tool", "wheel", "storage", "metadata", "work", "report"):
        parser.add_argument(f"--{name}", required=True)
    run = Run(parser.parse_args())
    try:
        go(run)
    finally:
        run.stop_all()
        pathlib.Path(run.args.report).write_text("\n".join(LINES) + "\n")


def go(run):
    say("# A real Milvus 2.2.16 on migrated metadata")
    say()
    say("Written by `cargo xtask meta-e2e`; do not edit. Metadata and storage are those that a real Milvus 2.1.0 left.")
    say()
    say("## Forward")
    say()
    run.etcd()
    before = dump()
    say(f"* {len(before)} keys of the 2.1.0 in etcd")
    check(run.tool("run")["outcome"] == "done", "the migration ends well")
    check(run.tool("verify")["outcome"] == "done", "the verification ends well")
    template = run.unpack()
    places = run.configure(template)
    process = run.milvus(*places)

    compare_with_2_1_0()
    folder = run.work / "2.1.0" / "data" / "files"
    say()
    say("Searching every stored vector:")
    say()
    for name in ("c01_all_types", "c09_shards", "c11_reindexed"):
        searched, found = search_all(folder, name)
        check(searched == found, f"every vector of {name} finds its own key ({found} of {searched})")
    searched, found = search_all(folder, "c03_hnsw", "px")
    # HNSW is approximate, and with the inner product it misses a few: the index is the one that 2.1.0 has built.
    check(found >= 0.98 * searched, f"c03_hnsw finds what it has to ({found} of {searched})")
    more(folder)
    rebuilt()
    process = again(run, process, *places)
    searched, found = search_all(folder, "c01_all_types")
    check(searched == found, f"every vector of c01_all_types finds its own key after a restart ({found} of {searched})")
    say()
    say("## Back")
    say()
    process.send_signal(signal.SIGKILL)
    process.wait()
    run.tool("rollback")
    _, took = wait("the sessions end", 90, lambda: not sessions())
    say(f"* the sessions of the killed Milvus ended after {took:.0f} s")
    check(run.tool("rollback")["outcome"] == "conflict", "a rollback without consent is refused: 2.2 has written")
    report = run.tool("rollback", "--lose-writes-since-backup", "by-dev/meta")
    check(report["outcome"] == "done", "the rollback ends well")
    after = below_meta(dump())
    check(after == below_meta(before), "the metadata is the original, byte for byte")
    say(f"* {len(after)} keys below by-dev/meta (without leases and the session counter): byte for byte those of the 2.1.0, nothing extra")


def searchable():
    """Loaded collections answer a while after healthz says 200, and after their load state says so."""
    from pymilvus import Collection, MilvusException, connections

    try:
        connections.connect(host="127.0.0.1", port="19530", timeout=5)
        for name in ("c01_all_types", "c09_shards", "c11_reindexed"):
            collection = Collection(name)
            collection.query(f"{collection.primary_field.name} in [0]", consistency_level="Strong", timeout=10)
    except MilvusException:
        connections.disconnect("default")
        return False
    return True


def rebuilt():
    """The STL_SORT index, which 2.2 cannot read as 2.1 has written it, was built again."""
    from pymilvus import utility

    def done():
        progress = utility.index_building_progress("c01_all_types", "i32_idx")
        return progress if progress["indexed_rows"] >= 6000 else None

    progress, _ = wait("i32_idx is built again", 120, done)
    say(f"* c01_all_types/i32_idx (STL_SORT) was built again: {progress['indexed_rows']} of {progress['total_rows']} rows")


def again(run, process, configs, folder):
    """Kills Milvus, waits until its sessions have ended, starts it again."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait("the sessions end", 90, lambda: not sessions())
    say("* killed and started again:")
    return run.milvus(configs, folder)


def more(folder):
    """What was not loaded can be: indexes are used or built, small segments included."""
    from pymilvus import Collection

    for name in ("c02_binary", "c10_recreated"):
        Collection(name).load()
    say("* c02_binary and c10_recreated can be loaded with their migrated indexes")
    searched, found = search_all(folder, "c10_recreated")
    check(searched == found, f"every vector of c10_recreated finds its own key ({found} of {searched})")
    collection = Collection("c04_noindex")
    vector = next(field.name for field in collection.schema.fields if field.dtype in (100, 101))
    collection.create_index(vector, {"index_type": "IVF_FLAT", "metric_type": "L2", "params": {"nlist": 16}})
    collection.load()
    searched, found = search_all(folder, "c04_noindex")
    check(searched == found, f"every vector of c04_noindex finds its own key ({found} of {searched})")


if __name__ == "__main__":
    sys.exit(main())
