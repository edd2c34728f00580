/* SPDX-License-Identifier: MIT */
/* To come. */
int main(void);
int main(void) { return 77; }
