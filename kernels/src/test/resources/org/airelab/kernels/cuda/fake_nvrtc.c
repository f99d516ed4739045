/* A runtime compiler that returns its options and source as machine code, and fails for sources that begin with an
   #error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char text[1 << 16];
} program;

static int programs;

int nvrtcVersion(int *major, int *minor) { *major = 12; *minor = 9; return 0; }
int nvrtcGetNumSupportedArchs(int *count) { *count = 2; return 0; }
int nvrtcGetSupportedArchs(int *architectures) { architectures[0] = 80; architectures[1] = 90; return 0; }
int nvrtcCreateProgram(program **p, const char *source, const char *name, int headers, const char **texts,
                       const char **names) {
    (void) headers, (void) texts, (void) names;
    *p = calloc(1, sizeof **p);
    snprintf((*p)->text, sizeof (*p)->text, "%s|%s", name, source);
    programs++;
    return 0;
}
int nvrtcCompileProgram(program *p, int count, const char **options) {
    for (int i = 0; i < count; i++) {
        strcat(p->text, "|");
        strcat(p->text, options[i]);
    }
    return strstr(p->text, "|#error") ? 6 : 0;
}
int nvrtcGetCUBINSize(program *p, size_t *size) { *size = strlen(p->text); return 0; }
int nvrtcGetCUBIN(program *p, char *cubin) { memcpy(cubin, p->text, strlen(p->text)); return 0; }
int nvrtcGetProgramLogSize(program *p, size_t *size) { (void) p; *size = 64; return 0; }
int nvrtcGetProgramLog(program *p, char *log) { (void) p; strcpy(log, "a.cu(1): error: #error directive"); return 0; }
int nvrtcDestroyProgram(program **p) { free(*p); *p = 0; programs--; return 0; }

/* Programs created and not destroyed. */
int fake_programs(void) { return programs; }
