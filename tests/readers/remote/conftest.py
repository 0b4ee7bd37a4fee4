"""The files that servers on loopback hold, and what they are worth."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.conftest import SAMPLES
from tests.far import ROWS


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in many formats, with a column that nobody asks for."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=ROWS).round(3), rng.normal(size=ROWS).round(3)
    table = pa.table({"label": y, "unused": rng.random(ROWS), "pred": p})
    table = table.append_column("ballast", pa.array(rng.random((ROWS, 8)).tolist(), pa.list_(pa.float64(), 8)))
    pq.write_table(table, folder / "t.parquet", row_group_size=ROWS // 4, compression="none", use_dictionary=False)
    orc.write_table(table, folder / "t.orc")
    text = "label,pred\n" + "".join(f"{a},{b}\n" for a, b in zip(y.tolist(), p.tolist(), strict=True))
    (folder / "t.csv").write_text(text)
    (folder / "t.csv.gz").write_bytes(gzip.compress(text.encode(), 1))
    np.save(folder / "y.npy", y)
    np.save(folder / "p.npy", p)
    np.savez(folder / "t.npz", label=y, pred=p)
    (folder / "empty.csv").write_bytes(b"")
    shutil.copy(SAMPLES / "digits_model.safetensors", folder)
    return folder


@pytest.fixture(scope="session")
def expected(folder: Path) -> float:
    import lossctl

    return lossctl.evaluate(str(folder / "t.parquet"), loss="mse").value
