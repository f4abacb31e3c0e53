# The words are put in and taken out by our own scripts (debian/nsswitch.sh): the addon can't write an
# action before a service, and changes blanks that are none of its business. It tells an installation
# from an upgrade, and takes out what is left should our scripts not have run.
passwd remove-only apikey
group remove-only apikey
initgroups database-require
initgroups remove-only apikey
