"""The client side of `cargo xtask e2e`: a collection whose every answer is known, and requests that are compared with it.

    traffic.py fill    HOST       makes the collection: rows, index, load; prints the seconds that each took
    traffic.py more    HOST N     inserts N rows that are not flushed
    traffic.py run     HOST       requests until standard input is closed; one JSON line for each
    traffic.py verify  HOST FILE  reads back what FILE (the output of `run`) says was acknowledged, and every old row
    traffic.py ready   HOST       waits until a search is answered rightly; prints how long
"""

import json
import random
import sys
import threading
import time

import numpy
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, utility

NAME, ROWS, WIDTH = "known", 10_000, 64
# Rows that the traffic adds have keys from here on, and are far away from the old ones.
ADDED = 1_000_000
# Rows of `more`.
UNFLUSHED = 500_000
SEARCH = {"metric_type": "L2", "params": {"nprobe": 64}}
SECONDS = 10  # until a request counts as failed


def vectors():
    return numpy.random.RandomState(7).rand(ROWS, WIDTH).astype(numpy.float32)


def far(key):
    return (numpy.random.RandomState(key % 2**32).rand(WIDTH) + 10).astype(numpy.float32)


def connect(host):
    connections.connect(host=host, port="19530", timeout=60)
    return Collection(NAME) if utility.has_collection(NAME) else None


def fill(host):
    connect(host)
    took = {}

    def step(name, work):
        begun = time.time()
        result = work()
        took[name] = time.time() - begun
        return result

    fields = [
        FieldSchema("key", DataType.INT64, is_primary=True),
        FieldSchema("vector", DataType.FLOAT_VECTOR, dim=WIDTH),
    ]
    collection = step("create", lambda: Collection(NAME, CollectionSchema(fields), consistency_level="Bounded"))
    step("insert", lambda: insert_all(collection))
    step("flush", collection.flush)
    index = {"index_type": "IVF_FLAT", "metric_type": "L2", "params": {"nlist": 64}}
    step("index", lambda: collection.create_index("vector", index))
    step("load", collection.load)
    step("search", lambda: search_many(collection, range(0, ROWS, 10)))
    print(json.dumps(took))


def insert_all(collection):
    known = vectors()
    for at in range(0, ROWS, 2000):
        collection.insert([list(range(at, at + 2000)), known[at: at + 2000]], timeout=60)


def search_many(collection, keys):
    known, keys = vectors(), list(keys)
    for at in range(0, len(keys), 500):
        part = keys[at: at + 500]
        answers = collection.search([known[key] for key in part], "vector", SEARCH, limit=1, consistency_level="Strong", timeout=60)
        found = [hits.ids[0] if hits.ids else None for hits in answers]
        wrong = [key for key, got in zip(part, found, strict=True) if key != got]
        assert not wrong, f"{len(wrong)} of {len(part)} searches find another row, as that for {wrong[0]}"


def more(host, count):
    collection = connect(host)
    keys = list(range(UNFLUSHED, UNFLUSHED + count))
    collection.insert([keys, [far(key) for key in keys]], timeout=60)


class Traffic:
    def __init__(self, collection):
        self.collection, self.known = collection, vectors()
        self.ended, self.writing = threading.Event(), threading.Lock()

    def search(self):
        key = random.randrange(ROWS)
        answer = self.collection.search([self.known[key]], "vector", SEARCH, limit=1, timeout=SECONDS)
        return list(answer[0].ids) == [key], None

    def query(self):
        keys = sorted(random.sample(range(ROWS), 3))
        rows = self.collection.query(f"key in {keys}", timeout=SECONDS)
        return sorted(row["key"] for row in rows) == keys, None

    def insert(self):
        key = self.next = getattr(self, "next", ADDED) + 1
        answer = self.collection.insert([[key], [far(key)]], timeout=SECONDS)
        return answer.insert_count == 1, key

    def define(self):
        name = f"passing_{time.time_ns()}"
        fields = [FieldSchema("key", DataType.INT64, is_primary=True), FieldSchema("vector", DataType.FLOAT_VECTOR, dim=8)]
        Collection(name, CollectionSchema(fields), timeout=SECONDS)
        utility.drop_collection(name, timeout=SECONDS)
        return True, None

    def repeat(self, kind, period):
        """One request at a time, a period from begin to begin, or as long as it takes."""
        while not self.ended.is_set():
            line = {"kind": kind, "at": time.time()}
            try:
                right, line["key"] = getattr(self, kind)()
                line["outcome"] = "right" if right else "wrong"
            except Exception as error:  # Whatever the client raises, the request has failed.
                line.update(outcome="failed", why=" ".join(str(error).split())[:160])
            line["took"] = time.time() - line["at"]
            with self.writing:
                print(json.dumps(line), flush=True)
            self.ended.wait(max(0.0, period - line["took"]))


def run(host):
    traffic = Traffic(connect(host))
    kinds = {"search": 0.2, "query": 0.5, "insert": 0.5, "define": 5}
    threads = [threading.Thread(target=traffic.repeat, args=kind) for kind in kinds.items()]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    traffic.ended.set()
    for thread in threads:
        thread.join()


def present(collection, keys):
    found = set()
    for at in range(0, len(keys), 1000):
        rows = collection.query(f"key in {keys[at: at + 1000]}", consistency_level="Strong", timeout=60)
        found.update(row["key"] for row in rows)
    return len(found)


def verify(host, file):
    collection = connect(host)
    lines = [json.loads(line) for line in open(file)]
    acknowledged = [line["key"] for line in lines if line["kind"] == "insert" and line["outcome"] == "right"]
    search_many(collection, range(ROWS))
    print(json.dumps({
        "acknowledged": len(acknowledged), "read": present(collection, acknowledged),
        "old": ROWS, "old_read": present(collection, list(range(ROWS))),
        "unflushed_read": present(collection, list(range(UNFLUSHED, UNFLUSHED + 1000))),
    }))


def ready(host):
    begun = time.time()
    while True:
        try:
            search_many(connect(host), [1, 5000, 9999])
            break
        except Exception as error:  # Until it answers rightly, nothing that it says matters but the last.
            if time.time() - begun > 300:
                raise SystemExit(f"no right answer within 300 s: {error}") from error
            connections.disconnect("default")
            time.sleep(0.5)
    print(json.dumps({"seconds": time.time() - begun}))


if __name__ == "__main__":
    verb, host, *rest = sys.argv[1:]
    {"fill": fill, "run": run, "verify": verify, "ready": ready, "more": lambda h, n: more(h, int(n))}[verb](host, *rest)
