"""`wandb.Molecule`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from synadb.wandb_compat._media._sources import FileMedia, captions, is_path, missing, read
from synadb.wandb_compat._media.base import BatchableMedia, Sink

__all__ = ["Molecule"]


class Molecule(FileMedia, BatchableMedia):
    """A molecule: the path of a file, or a file object, which needs `file_type` if it has no
    name.
    """

    _log_type: ClassVar[str | None] = "molecule-file"
    _folder: ClassVar[str] = "media/molecule"
    SUPPORTED_TYPES: ClassVar[set[str]] = {
        *("pdb", "pqr", "mmcif", "mcif", "cif", "sdf", "sd", "gro", "mol2", "mmtf")
    }
    SUPPORTED_RDKIT_TYPES: ClassVar[set[str]] = {"mol", "sdf"}

    def __init__(self, data_or_path: Any, caption: str | None = None, **kwargs: str) -> None:
        super().__init__(caption)
        if not is_path(data_or_path) and isinstance(getattr(data_or_path, "name", None), str):
            data_or_path = data_or_path.name
        if hasattr(data_or_path, "read"):
            kind = kwargs.get("file_type")
            if kind is None:
                raise ValueError(
                    "wandb.Molecule: must pass file_type keyword argument when using io objects, "
                    f"file_type= one of {self._types()}"
                )
            self._check_type(kind)
            self._set_content(read(data_or_path), f".{kind}")
        elif is_path(data_or_path):
            path = str(data_or_path)
            self._check_type(os.path.splitext(path)[1][1:])
            self._set_file(path)
        else:
            raise ValueError(
                "wandb.Molecule: data must be file name or a file object, not "
                f"{type(data_or_path).__name__}"
            )

    def _types(self) -> str:
        return ", ".join(sorted(self.SUPPORTED_TYPES))

    def _check_type(self, kind: str) -> None:
        if kind not in self.SUPPORTED_TYPES:
            raise ValueError(
                f"wandb.Molecule only supports files of the type: {self._types()}, not {kind!r}"
            )

    @classmethod
    def from_rdkit(
        cls,
        data_or_path: Any,
        caption: str | None = None,
        convert_to_3d_and_optimize: bool = True,
        mmff_optimize_molecule_max_iterations: int = 200,
    ) -> Molecule:
        """A molecule of RDKit, or a file that RDKit reads: mol, or the first of an sdf."""
        chem = _rdkit()
        if isinstance(data_or_path, str):
            molecule = cls._read_by_rdkit(chem, data_or_path)
        elif isinstance(data_or_path, chem.rdchem.Mol):
            molecule = data_or_path
        else:
            raise TypeError(
                "wandb.Molecule.from_rdkit: data must be file name or an rdkit.Chem.rdchem.Mol "
                f"object, not {type(data_or_path).__name__}"
            )
        if molecule is None:
            raise ValueError(f"wandb.Molecule.from_rdkit: RDKit cannot read {data_or_path!r}")
        if convert_to_3d_and_optimize:
            import importlib

            every = importlib.import_module("rdkit.Chem.AllChem")
            molecule = chem.AddHs(molecule)
            every.EmbedMolecule(molecule)
            every.MMFFOptimizeMolecule(molecule, maxIters=mmff_optimize_molecule_max_iterations)
        import io

        block = chem.MolToPDBBlock(molecule)
        return cls(io.StringIO(block), caption=caption, file_type="pdb")

    @classmethod
    def _read_by_rdkit(cls, chem: Any, path: str) -> Any:
        kind = os.path.splitext(path)[1][1:]
        if kind == "mol":
            return chem.MolFromMolFile(path)
        if kind == "sdf":
            with chem.SDMolSupplier(path) as found:
                return next(found)
        raise ValueError(
            "wandb.Molecule.from_rdkit only supports files of the type: "
            f"{', '.join(sorted(cls.SUPPORTED_RDKIT_TYPES))}, not {kind!r}"
        )

    @classmethod
    def from_smiles(
        cls,
        data: str,
        caption: str | None = None,
        sanitize: bool = True,
        convert_to_3d_and_optimize: bool = True,
        mmff_optimize_molecule_max_iterations: int = 200,
    ) -> Molecule:
        """A molecule from its SMILES text, by RDKit."""
        molecule = _rdkit().MolFromSmiles(data, sanitize=sanitize)
        if molecule is None:
            raise ValueError(
                f"wandb.Molecule.from_smiles: unable to parse the SMILES string {data!r:.200}"
            )
        return cls.from_rdkit(
            molecule,
            caption,
            convert_to_3d_and_optimize,
            mmff_optimize_molecule_max_iterations,
        )

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        return {
            "_type": "molecule",
            "filenames": [json["path"] for json in cls._each_to_run_value(items, sink, key, step)],
            "count": len(items),
            "captions": captions(items),
        }


def _rdkit() -> Any:
    import importlib

    try:
        return importlib.import_module("rdkit.Chem")
    except ImportError as error:
        missing("wandb.Molecule", "rdkit", error)
