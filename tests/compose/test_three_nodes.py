"""The profile with three Cassandra nodes: any one of them may die."""

from tests.compose.stack import Stack, Visitors, run
from tests.compose.test_stack import wait_for_answers


def test_three_copies_are_kept(three_nodes: Stack) -> None:
    told = three_nodes.exec("cassandra-2", "cqlsh", "-e", "describe keyspace mnist_database")
    assert "'datacenter1': '3'" in told


def test_drawings_are_answered_while_a_node_is_dead(three_nodes: Stack) -> None:
    wait_for_answers(three_nodes, [three_nodes.draw()["id"]])
    visitors = Visitors(three_nodes)
    run("docker", "kill", three_nodes.containers("cassandra")[0]["Id"])  # the seed, and the first that all have asked
    later = three_nodes.draw()["id"]
    wait_for_answers(three_nodes, [later, *visitors.accepted()])
