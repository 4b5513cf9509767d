"""Run by test_cluster.py: a job on a cluster of a head and two worker nodes of this machine, one of which is killed midway.

python lose_a_node.py SOURCE PLACE CHUNKS
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from nlp.batch.job import tag
from nlp.batch.records import Options

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "policy"


def main(source: str, place: str, chunks: int) -> None:
    memory = {"object_store_memory": 80 << 20}
    # A lost node is noticed after a second and not after the usual quarter of a minute.
    quick = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 300, "health_check_failure_threshold": 3}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": quick, **memory}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    lost = cluster.add_node(num_cpus=1, **memory)
    cluster.add_node(num_cpus=1, **memory)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    nodes = len([node for node in ray.nodes() if node["Alive"]])

    def lose() -> None:
        while len(list(Path(place).glob("chunks/*.json"))) < chunks:
            time.sleep(0.01)
        cluster.remove_node(lost, allow_graceful=False)

    killer = threading.Thread(target=lose, daemon=True)
    killer.start()
    summary = tag(source, place, BUNDLE, Options(chunk_rows=16), engine="ray")
    killer.join(30)
    print("result", nodes, len([node for node in ray.nodes() if node["Alive"]]), summary.rows, summary.rejected)
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
