//! Whether a program can run in an empty image.

use object::{
    Endianness, elf,
    read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _},
};

use super::compile::Arch;

/// A Linux program for `arch` that asks for no interpreter, so also for no library.
pub fn is_static(bytes: &[u8], arch: Arch) -> bool {
    let machine = match arch {
        Arch::Amd64 => elf::EM_X86_64,
        Arch::Arm64 => elf::EM_AARCH64,
    };
    ElfFile64::<Endianness>::parse(bytes).is_ok_and(|file| {
        let endian = file.endian();
        let asks = |header: &elf::ProgramHeader64<Endianness>| header.p_type(endian) == elf::PT_INTERP;
        file.elf_header().e_machine(endian) == machine && !file.elf_program_headers().iter().any(asks)
    })
}
