import pytest

from train.data.room import check_room
from train.errors import UserError


def test_more_than_the_machine_has_is_refused_before_it_is_made():
    check_room(1000, (100, 100, 1), "")
    with pytest.raises(UserError, match="images of 100 x 50 pixels need 50,000 GB.*lower --test_images"):
        check_room(10**10, (100, 50, 1), "lower --test_images")
