"""What is said at the end, of one page and of many."""

import pytest

from chnorm_cli.terminal.summary import by_page


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([["done"]], ["done"]),
        ([["done"]] * 3, ["done"]),
        ([["done", "dark"], ["done"], ["done", "dark"]], ["done", "pages 1, 3: dark"]),
        ([["a"], ["a"], ["a"], ["b"], ["a"]], ["pages 1–3, 5: a", "page 4: b"]),
        ([["twice", "twice"], []], ["page 1: twice"]),
        ([], []),
    ],
)
def test_what_all_pages_share_is_said_once(pages, said):
    assert by_page(pages) == said
