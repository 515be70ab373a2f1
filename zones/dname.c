#include "dname.h"
