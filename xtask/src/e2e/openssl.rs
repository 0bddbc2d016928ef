//! The query node of the Python package of 2.2.16 crashes when it reads from S3: its program exports the
//! symbols of an OpenSSL 1.1 that is linked into it, and the AWS library, which wants the `libcrypto.so.10`
//! beside it, gets those instead. In the images, such symbols of the program are local: nobody outside of it
//! sees them.

use std::{collections::BTreeSet, fs, path::Path};

use object::{
    Object as _, ObjectSymbol as _, elf,
    read::elf::{ElfFile64, FileHeader as _, SectionHeader as _},
};

use crate::Failure;

/// Where a symbol says how it binds: `st_info` of `Elf64_Sym`, whose upper half is 0 for local.
const INFO_OFFSET: u64 = 4;
const SYMBOL_SIZE: u64 = 24;
const TYPE_MASK: u8 = 0x0f;

/// Hides from the libraries in `milvus/lib` what `milvus/bin/milvus` has in common with their OpenSSL;
/// nothing happens where there is no such library.
pub(super) fn hide_from_libraries(milvus: &Path) -> Result<(), Failure> {
    let mut theirs = BTreeSet::new();
    for entry in fs::read_dir(milvus.join("lib"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("libcrypto.so") || name.starts_with("libssl.so") {
            theirs.extend(defined(&fs::read(&path)?)?);
        }
    }
    let program = milvus.join("bin/milvus");
    let mut bytes = fs::read(&program)?;
    hide(&mut bytes, &theirs)?;
    Ok(fs::write(program, bytes)?)
}

/// Names of the symbols that a program or library exports.
fn defined(bytes: &[u8]) -> Result<BTreeSet<String>, Failure> {
    let file = ElfFile64::<object::Endianness>::parse(bytes)?;
    let symbols = file.dynamic_symbols().filter(object::ObjectSymbol::is_definition);
    Ok(symbols.filter_map(|symbol| symbol.name().ok().map(str::to_owned)).collect())
}

/// Makes exported symbols of these names local.
fn hide(bytes: &mut [u8], names: &BTreeSet<String>) -> Result<(), Failure> {
    let places: Vec<u64> = {
        let file = ElfFile64::<object::Endianness>::parse(&*bytes)?;
        let endian = file.endian();
        let header = file.elf_header();
        let sections = header.sections(endian, &*bytes)?;
        let table = sections.iter().find(|section| section.sh_type(endian) == elf::SHT_DYNSYM);
        let start = table.ok_or("the program has no dynamic symbols")?.sh_offset(endian);
        let ours = |name: &str| names.contains(name);
        file.dynamic_symbols()
            .filter(|symbol| symbol.is_definition() && symbol.name().is_ok_and(ours))
            .map(|symbol| start + symbol.index().0 as u64 * SYMBOL_SIZE + INFO_OFFSET)
            .collect()
    };
    for place in places {
        let info = usize::try_from(place).ok().and_then(|place| bytes.get_mut(place));
        *info.ok_or("the table of dynamic symbols ends too early")? &= TYPE_MASK;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_not_exported_any_more_and_the_rest_is() {
        let libc = "/lib/x86_64-linux-gnu/libc.so.6";
        let Ok(mut bytes) = fs::read(libc) else { return };
        let before = defined(&bytes).unwrap();
        assert!(before.contains("malloc"));
        hide(&mut bytes, &BTreeSet::from(["malloc".to_owned()])).unwrap();

        let file = ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
        let seen: BTreeSet<&str> = file
            .dynamic_symbols()
            .filter(object::ObjectSymbol::is_global)
            .filter_map(|s| s.name().ok())
            .collect();
        assert!(!seen.contains("malloc"));
        assert!(seen.contains("free"));
    }
}
