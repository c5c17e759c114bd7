"""Lazy imports: nothing runs before the first use, and then the module is the real one."""

import workplace

LATER = """
import sys
from trig.gates.lazily import lazily
lazily("colorsys", "xml.dom")
assert not hasattr(sys.modules["colorsys"], "__file__")
import colorsys, xml.dom.minidom
assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0) and sys.modules["colorsys"].__file__ and xml.dom.minidom.parseString
"""
UNUSED = "import sys; import trig.gates.gx; assert not {'altair.vegalite', 'scipy.stats._stats_py'} & sys.modules.keys()"


def test_a_module_is_imported_at_its_first_use() -> None:
    ran = workplace.python("-c", LATER, cwd=workplace.ROOT)
    assert ran.returncode == 0, ran.stderr


def test_a_gate_imports_no_library_that_no_suite_needs() -> None:
    ran = workplace.python("-c", UNUSED, cwd=workplace.ROOT)
    assert ran.returncode == 0, ran.stderr
