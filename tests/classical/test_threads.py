"""Parts side by side: in order, on one thread each, and nothing is left changed."""

import threading
import time

import pytest
import torch

from chnorm_cli.classical.threads import at_once, side_by_side

CPU = torch.device("cpu")


@pytest.fixture(autouse=True, params=[1, 3])
def threads(request, threads_put_back):
    torch.set_num_threads(request.param)
    return request.param


def test_results_come_in_order(threads):
    def slow_first(part):
        time.sleep(0.05 if part == 0 else 0.0)
        return part, torch.get_num_threads()

    results = list(side_by_side(slow_first, iter(range(20)), CPU))
    assert results == [(part, 1) for part in range(20)]
    assert torch.get_num_threads() == threads
    assert list(side_by_side(slow_first, [], CPU)) == []


def test_parts_are_asked_for_as_results_are_taken(threads):
    asked = []

    def parts():
        for part in range(100):
            asked.append(part)
            yield part

    results = side_by_side(lambda part: part, parts(), CPU)
    assert next(results) == 0
    assert len(asked) <= threads + 1
    results.close()
    assert torch.get_num_threads() == threads


def test_a_part_computes_as_it_would_here():
    with torch.no_grad():
        assert not any(side_by_side(lambda _: torch.is_grad_enabled(), range(4), CPU))
    assert all(side_by_side(lambda _: torch.is_grad_enabled(), range(4), CPU))


def test_an_error_in_a_part_comes_out(threads):
    def fail(part):
        if part == 2:
            raise ValueError("two")
        return part

    with pytest.raises(ValueError, match="two"):
        list(side_by_side(fail, range(10), CPU))
    assert torch.get_num_threads() == threads


def test_more_parts_than_threads_are_computed_at_once_where_that_is_asked_for(threads):
    """And torch's own threads are as many as before, in the parts and after them."""
    met = threading.Barrier(4, timeout=20)

    def meet(_):
        met.wait()
        return torch.get_num_threads()

    with at_once(4):
        assert list(side_by_side(meet, range(8), CPU)) == [1] * 8
    assert torch.get_num_threads() == threads
