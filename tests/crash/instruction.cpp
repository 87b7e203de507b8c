#include "instruction.hpp"

#include <cstring>

namespace brood::crash {
namespace {

// The widest store that is looked at by its address.
constexpr uint64_t kWidest = 64;

enum class Writes { Nothing, Operand, Anything };

struct Prefixes {
  uint8_t rex = 0;
  bool thread_local_segment = false;
};

// Steps over prefixes; what follows is the opcode.
const uint8_t* skip_prefixes(const uint8_t* code, Prefixes& prefixes) {
  for (;; ++code) {
    switch (*code) {
      case 0x64:
      case 0x65:
        prefixes.thread_local_segment = true;
        continue;
      case 0x66:
      case 0xf0:
      case 0xf2:
      case 0xf3:
      case 0x2e:
      case 0x3e:
        continue;
      default:
        break;
    }
    if ((*code & 0xf0) == 0x40) prefixes.rex = *code++;
    return code;
  }
}

// Opcodes of one byte; `reg` is the middle field of the byte behind it.
Writes one_byte(uint8_t opcode, uint8_t reg) {
  if (opcode < 0x40) {  // arithmetic: the first two forms have the result in the operand
    if ((opcode & 7) >= 6) return Writes::Anything;
    return (opcode & 7) < 2 && (opcode & 0x38) != 0x38 ? Writes::Operand : Writes::Nothing;
  }
  if ((opcode >= 0x50 && opcode <= 0x5f) || (opcode >= 0x70 && opcode <= 0x7f)) {
    return Writes::Nothing;  // push, pop, jumps
  }
  if (opcode >= 0xb0 && opcode <= 0xbf) return Writes::Nothing;
  switch (opcode) {
    case 0x63:
    case 0x68:
    case 0x69:
    case 0x6a:
    case 0x6b:
    case 0x84:
    case 0x85:
    case 0x8a:
    case 0x8b:
    case 0x8d:
    case 0x90:
    case 0x98:
    case 0x99:
    case 0xa8:
    case 0xa9:
    case 0xc2:
    case 0xc3:
    case 0xc9:
    case 0xe8:
    case 0xe9:
    case 0xeb:
      return Writes::Nothing;
    case 0x80:
    case 0x81:
    case 0x83:
      return reg == 7 ? Writes::Nothing : Writes::Operand;
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
    case 0xc0:
    case 0xc1:
    case 0xc6:
    case 0xc7:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return Writes::Operand;
    case 0xf6:
    case 0xf7:
      return reg == 2 || reg == 3 ? Writes::Operand : Writes::Nothing;
    case 0xfe:
    case 0xff:
      return reg < 2 ? Writes::Operand : Writes::Nothing;
    default:
      return Writes::Anything;
  }
}

// Opcodes behind 0f.
Writes two_bytes(uint8_t opcode) {
  if ((opcode >= 0x40 && opcode <= 0x4f) || (opcode >= 0x80 && opcode <= 0x8f)) {
    return Writes::Nothing;  // conditional moves and jumps
  }
  if (opcode >= 0x90 && opcode <= 0x9f) return Writes::Operand;  // set by a condition
  switch (opcode) {
    case 0x10:  // loads
    case 0x12:
    case 0x16:
    case 0x1e:  // no operation
    case 0x1f:
    case 0x28:
    case 0x54:
    case 0x57:
    case 0x6c:
    case 0x6e:
    case 0x6f:
    case 0xa2:
    case 0xa3:
    case 0xaf:
    case 0xb6:
    case 0xb7:
    case 0xbc:
    case 0xbd:
    case 0xbe:
    case 0xbf:
    case 0xef:
      return Writes::Nothing;
    case 0x11:  // stores
    case 0x13:
    case 0x17:
    case 0x29:
    case 0x7e:
    case 0x7f:
    case 0xb0:  // compare and exchange, exchange and add
    case 0xb1:
    case 0xc0:
    case 0xc1:
    case 0xd6:
    case 0xe7:
      return Writes::Operand;
    default:
      return Writes::Anything;
  }
}

uint64_t value_of(const user_regs_struct& registers, unsigned number) {
  const unsigned long long values[] = {registers.rax, registers.rcx, registers.rdx, registers.rbx,
                                       registers.rsp, registers.rbp, registers.rsi, registers.rdi,
                                       registers.r8,  registers.r9,  registers.r10, registers.r11,
                                       registers.r12, registers.r13, registers.r14, registers.r15};
  return values[number];
}

// Where the operand in memory lies, but for what is relative to the instruction: `mode_byte` is the
// byte behind the opcode.
uint64_t address_of(const uint8_t* mode_byte, uint8_t rex, const user_regs_struct& registers) {
  const unsigned mode = *mode_byte >> 6;
  unsigned base = *mode_byte & 7;
  const uint8_t* rest = mode_byte + 1;
  uint64_t address = 0;
  bool has_base = true;
  if (base == 4) {
    const uint8_t scaled = *rest++;
    const unsigned index = ((scaled >> 3) & 7) | ((rex & 2) << 2);
    base = scaled & 7;
    if (index != 4) address += value_of(registers, index) << (scaled >> 6);
  }
  if (mode == 0 && base == 5) has_base = false;
  if (has_base) address += value_of(registers, base | ((rex & 1) << 3));
  if (mode == 1) {
    address += static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(*rest)));
  } else if (mode == 2 || !has_base) {
    int32_t offset = 0;
    std::memcpy(&offset, rest, sizeof offset);
    address += static_cast<uint64_t>(static_cast<int64_t>(offset));
  }
  return address;
}

}  // namespace

bool may_write(const uint8_t* code, const user_regs_struct& registers, uint64_t begin,
               uint64_t end) {
  Prefixes prefixes;
  code = skip_prefixes(code, prefixes);
  const bool extended = *code == 0x0f;
  if (extended) ++code;
  const uint8_t* mode_byte = code + 1;
  const Writes writes =
      extended ? two_bytes(*code) : one_byte(*code, static_cast<uint8_t>((*mode_byte >> 3) & 7));
  if (writes != Writes::Operand) return writes == Writes::Anything;
  if (*mode_byte >> 6 == 3 || prefixes.thread_local_segment) return false;
  // Relative to the instruction: this program's own data.
  if ((*mode_byte & 0xc7) == 5) return false;
  const uint64_t address = address_of(mode_byte, prefixes.rex, registers);
  return address + kWidest > begin && address < end;
}

}  // namespace brood::crash
