/* Descriptors of this process: one for each UC with a process, one or two for each snapshot. */
#ifndef TENDER_DESCRIPTORS_H
#define TENDER_DESCRIPTORS_H

/*
 * 0, or -EMFILE when so few are left that what would keep one has to be refused: those last ones are for what
 * the tender opens for a moment, to see to the UCs it has.
 */
int descriptors_check(void);

#endif
