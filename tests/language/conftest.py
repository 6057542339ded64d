"""The sections of `api` assert as test modules do: what fails shows its values."""

import pytest

pytest.register_assert_rewrite("tests.language.api")
