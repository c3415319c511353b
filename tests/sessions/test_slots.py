"""Earlier slots are read as they were, and reading one costs the same however long the session is."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companions.companion import Companion
from companions.configuration import Configuration, Defaults
from companions.entries import Entry, Note
from companions.errors import InputError
from companions.models import Sampling
from companions.run_log import run_log
from sessions import views
from sessions.reading import Body, Part, Reading
from sessions.slots import FEW, PAGE, STEPS
from sessions.store import Store
from tests.sessions.building import COMPANIONS, Story, Wish, fulfil, next_place, note
from tests.sessions.faults import LIBRARY, OWNER, FaultyStore, Process
from tests.sessions.pages import merged, pages
