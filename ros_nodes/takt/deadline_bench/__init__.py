"""`takt bench deadlines`: faults with a label are brought into a running robot, and the ledger's causes are scored."""
