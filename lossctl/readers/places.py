"""Paths to sources, with their format told."""
from __future__ import annotations
from dataclasses import dataclass
import functools
from lossctl.errors import DataError
from lossctl.readers.source import *

@dataclass(frozen=True)
class ReadSettings:
    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()
    format: str | None = None

@dataclass(frozen=True)
class P:
    path: str
    format = "parquet"
    rereadable = True
    @property
    def rows(self): return meta(self.path).num_rows
    def columns(self):
        import pyarrow as pa
        out=[]
        import pyarrow.parquet as pq
        for f in pq.read_schema(self.path):
            t=f.type; k="other"; w=1
            if pa.types.is_integer(t): k="integer"
            elif pa.types.is_floating(t): k="float"
            elif pa.types.is_boolean(t): k="boolean"
            elif pa.types.is_string(t) or pa.types.is_dictionary(t): k="string"
            elif pa.types.is_fixed_size_list(t): k="list"; w=t.list_size
            elif pa.types.is_list(t): k="list"; w=None
            out.append(ColumnInfo(f.name,k,str(t),w))
        return out
    def units(self,file): return [Unit(file,i,i,i+1) for i in range(meta(self.path).num_row_groups)]
    def read(self,unit,names,rows):
        import pyarrow.parquet as pq
        f=pq.ParquetFile(self.path,memory_map=True,pre_buffer=False,metadata=meta(self.path))
        for b in f.iter_batches(batch_size=rows,row_groups=range(unit.start,unit.stop),columns=list(names),use_threads=False):
            yield Chunk(b.num_rows,dict(zip(b.schema.names,b.columns)))
@functools.cache
def meta(p):
    import pyarrow.parquet as pq
    return pq.read_metadata(p)
def open_source(path, settings): return P(path)
def open_arrays(paths): raise NotImplementedError
