/* QEMU plugin that counts the guest's instructions between two addresses.
 *
 *   -plugin count.so,begin=ADDR,end=ADDR,samples=FILE,hits=FILE
 *
 * samples: one 32-bit number for each pass from `begin` to `end`. hits: the first address of every
 * block that ran between a begin and an end, one a line. QEMU's plugin header is not part of its Debian
 * package, so the few functions used are declared here as QEMU's documentation of the plugin API (version 1)
 * has them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*on_translation_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*on_execution_t)(unsigned processor, void *data);
typedef void (*on_quit_t)(qemu_plugin_id_t id, void *data);

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, on_translation_t callback);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, on_execution_t callback,
                                                 int registers, void *data);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, on_quit_t callback, void *data);

#define EXPORT __attribute__((visibility("default")))
#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 1
#endif
EXPORT int qemu_plugin_version = PLUGIN_VERSION;

#define CODE_BYTES (4u << 20)

static uint64_t begin_at, end_at, now, began;
static int between;
static uint8_t hit[CODE_BYTES / 2u];
static FILE *samples_file, *hits_file;

/* A straight run of instructions: entered at its first, left after its last, as nothing interrupts here. */
typedef struct {
    uint64_t first, count;
} block_t;

static void on_block(unsigned processor, void *data)
{
    const block_t *block = data;
    (void)processor;
    if (block->first == end_at) {
        const uint32_t sample = (uint32_t)(now - began);
        fwrite(&sample, sizeof sample, 1, samples_file);
        between = 0;
    } else if (block->first == begin_at) {
        began = now;
        between = 1;
    }
    now += block->count;
    if (between && block->first < CODE_BYTES) {
        hit[block->first / 2u] = 1;
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *translated)
{
    (void)id;
    block_t *block = malloc(sizeof *block); /* QEMU may run it until the end: never freed */
    if (block == NULL) {
        abort();
    }
    block->first = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(translated, 0));
    block->count = qemu_plugin_tb_n_insns(translated);
    qemu_plugin_register_vcpu_tb_exec_cb(translated, on_block, 0, block);
}

static void on_quit(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    for (uint32_t i = 0; i < CODE_BYTES / 2u; i++) {
        if (hit[i]) {
            fprintf(hits_file, "%x\n", 2u * i);
        }
    }
    fclose(hits_file);
    fclose(samples_file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        const char *value = strchr(arguments[i], '=') + 1;
        if (strncmp(arguments[i], "begin=", 6) == 0) {
            begin_at = strtoull(value, NULL, 0);
        } else if (strncmp(arguments[i], "end=", 4) == 0) {
            end_at = strtoull(value, NULL, 0);
        } else if (strncmp(arguments[i], "samples=", 8) == 0) {
            samples_file = fopen(value, "wb");
        } else if (strncmp(arguments[i], "hits=", 5) == 0) {
            hits_file = fopen(value, "w");
        }
    }
    if (samples_file == NULL || hits_file == NULL || begin_at == 0 || end_at == 0) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_quit, NULL);
    return 0;
}
