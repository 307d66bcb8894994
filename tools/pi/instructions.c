// A qemu plugin (its interface of version 1, qemu 7) that counts the instructions a program executes, by class, and says so at
// its end.
//
// Debian ships no qemu-plugin.h: what is used of it is declared here.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;  // a block of instructions that is translated and run as one
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };

typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t, void *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, qemu_plugin_vcpu_tb_trans_cb_t);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *counter, uint64_t summand);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, qemu_plugin_udata_cb_t, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

int qemu_plugin_version = 1;

enum { VECTOR_LOAD, VECTOR_STORE, VECTOR, LOAD, STORE, BRANCH, SCALAR, CLASSES };
static const char *const NAMES[CLASSES] = {"vector_load", "vector_store", "vector", "load", "store", "branch", "scalar"};
static uint64_t executed[CLASSES];  // added to without a lock: programs with several threads are counted roughly

// The class by the encoding groups of A64 (Arm Architecture Reference Manual, C4.1): bits 28 to 25, then those of the group.
static int class_of(uint32_t word)
{
    const uint32_t group = word >> 25 & 15;
    if ((group & 14) == 10)
        return BRANCH;  // calls, returns and system instructions too
    if ((group & 7) == 7)
        return VECTOR;  // arithmetic of the vector registers, scalar floating point too
    if ((group & 5) != 4)
        return SCALAR;
    const uint32_t kind = word >> 28 & 3, vector = word >> 26 & 1, opcode = word >> 22 & 3;
    const int literal = kind == 1 && (word >> 24 & 3) == 0;
    const int loads = literal || (kind == 3 && !vector ? opcode != 0 : (opcode & 1) != 0);
    return vector ? (loads ? VECTOR_LOAD : VECTOR_STORE) : (loads ? LOAD : STORE);
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    uint64_t counts[CLASSES] = {0};
    (void)id;
    for (size_t index = 0; index < qemu_plugin_tb_n_insns(block); index++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, index)), sizeof word);
        counts[class_of(word)]++;
    }
    for (int class = 0; class < CLASSES; class++)
        if (counts[class])
            qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &executed[class], counts[class]);
}

static void at_exit(qemu_plugin_id_t id, void *unused)
{
    uint64_t sum = 0;
    (void)id;
    (void)unused;
    for (int class = 0; class < CLASSES; class++) {
        fprintf(stderr, "instructions of %s: %llu\n", NAMES[class], (unsigned long long)executed[class]);
        sum += executed[class];
    }
    fprintf(stderr, "instructions: %llu\n", (unsigned long long)sum);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
