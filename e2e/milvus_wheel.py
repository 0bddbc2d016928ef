"""Takes the server out of the Python package `milvus`: its program, its libraries, and its configuration.

`python milvus_wheel.py WHEEL ROOT` lays it out below ROOT as the official image has it, in `/milvus`.
"""

import lzma
import pathlib
import re
import sys
import zipfile

# Libraries of the wheel that do not get on with the glibc of a newer system: the system's own are used.
OF_THE_SYSTEM = ("libresolv", "libstdc++", "libgcc_s", "libz.", "libselinux", "libgomp", "libcrypt.")


def unpack(wheel, binaries):
    """Writes program and libraries to a new directory; gives the template of the configuration."""
    binaries.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            path = binaries / pathlib.Path(name).name.removesuffix(".lzma")
            if name.startswith("milvus/data/bin/") and not path.name.startswith(OF_THE_SYSTEM):
                path.write_bytes(lzma.decompress(archive.read(name)))
                path.chmod(0o755)
        return archive.read("milvus/data/config.yaml.template").decode()


def fill(template, values):
    """Fills the template in: with what is given, else with its own defaults; ports without one get any."""
    ports = iter(range(21000, 22000))

    def value(match):
        name, default = match.group(1), match.group(2)
        return values.get(name) or (default or "").strip() or (str(next(ports)) if "port" in name else "")

    return re.sub(r"\{\{\s*(\w+)(?:\(\w+\))?\s*(?::\s*([^}]*?))?\s*\}\}", value, template)


def lay_out(wheel, root):
    milvus = pathlib.Path(root) / "milvus"
    template = unpack(wheel, milvus / "lib")
    (milvus / "bin").mkdir()
    (milvus / "lib" / "milvus").rename(milvus / "bin" / "milvus")
    values = {
        "local_storage_dir": "/var/lib/milvus/data/", "etcd_data_dir": "/var/lib/milvus/etcd", "etcd_log_path": "stdout",
        # The name that 2.2 has, and that of 2.3.
        "rocketmq_data_dir": "/var/lib/milvus/rdb_data", "rocksmq_data_dir": "/var/lib/milvus/rdb_data",
        "log_stdout": "true", "system_log_level": "info",
    }
    text = fill(template, values)
    text = re.sub(r"embed: true.*", "embed: false", text)
    text = re.sub(r"\n(\s*)storageType:.*", r"\n\1storageType: minio", text)
    (milvus / "configs").mkdir()
    (milvus / "configs" / "milvus.yaml").write_text(text)
    # 2.3 does not start without.
    (milvus / "configs" / "glog.conf").write_text("--logtostderr=true\n")


if __name__ == "__main__":
    lay_out(sys.argv[1], sys.argv[2])
